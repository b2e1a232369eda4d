using System.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>Keys of Python dictionaries: which values may be keys and when two of them are the same.</summary>
internal static class PyKey
{
    // A tuple may hold tuples that share their items; its hash then takes time exponential in its depth.
    private const int MaxTupleItems = 256;

    /// <summary>Compares wrapped keys.</summary>
    public static readonly IEqualityComparer<object> Comparer = new KeyComparer();

    // .NET's dictionaries have no null key.
    private static readonly object None = new();

    /// <summary>The key as it is stored: integers as long, floats as double.</summary>
    /// <exception cref="ArgumentException">It is of no hashable type.</exception>
    public static object Wrap(object? key)
    {
        switch (key)
        {
            case null: return None;
            case string or long or bool or double or Complex or byte[] or ScalarType: return key;
            case int i: return (long)i;
            case float f: return (double)f;
            case BigInteger big: return big >= long.MinValue && big <= long.MaxValue ? (long)big : big;
            case Device: return key;
            case PyTuple tuple:
                var items = 0;
                CheckItems(tuple, ref items);
                return tuple;
            default: throw new ArgumentException($"{PyTree.Describe(key)} cannot be a key", nameof(key));
        }
    }

    /// <summary>The key as the user sees it.</summary>
    public static object? Unwrap(object key) => ReferenceEquals(key, None) ? null : key;

    /// <summary>The key in a message.</summary>
    public static string Show(object? key) => key switch
    {
        null => "None",
        string text => $"'{Printable(text)}'",
        long or int or double or bool => FormattableString.Invariant($"{key}"),
        _ => PyTree.Describe(key),
    };

    /// <summary>Text of unknown origin, short and without control characters.</summary>
    public static string Printable(string text)
    {
        var part = text.Length > 80 ? text[..80] + "…" : text;
        return string.Concat(part.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? $"\\u{(int)c:x4}" : c.ToString()));
    }

    private static void CheckItems(PyTuple tuple, ref int items)
    {
        foreach (var item in tuple)
        {
            if (++items > MaxTupleItems) throw new ArgumentException($"a tuple of more than {MaxTupleItems} values cannot be a key");
            if (item is PyTuple inner) CheckItems(inner, ref items);
            else Wrap(item);
        }
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public new bool Equals(object? x, object? y)
        {
            if (ReferenceEquals(x, y)) return true;
            if (x is string a) return y is string b && a == b;
            if (x is byte[] p) return y is byte[] q && p.AsSpan().SequenceEqual(q);
            if (x is PyTuple s)
                return y is PyTuple t && s.Count == t.Count && s.Zip(t).All(pair => Equals(Wrap(pair.First), Wrap(pair.Second)));
            if (x is Device d) return y is Device e && d.type == e.type && d.index == e.index;
            return x is not null && y is not null && Number(x).Equals(Number(y));
        }

        // Not the numbers' own hash codes: those of long and double are no secret, and keys chosen to collide make a dictionary quadratic.
        public int GetHashCode(object key) => key switch
        {
            string text => text.GetHashCode(),
            byte[] bytes => Hash(bytes),
            PyTuple tuple => tuple.Aggregate(tuple.Count, (hash, item) => HashCode.Combine(hash, GetHashCode(Wrap(item)))),
            Device device => HashCode.Combine(device.type, device.index),
            _ => Number(key) switch
            {
                long n => HashCode.Combine((int)n, (int)(n >> 32)),
                double x when BitConverter.DoubleToInt64Bits(x) is var n => HashCode.Combine((int)n, (int)(n >> 32), 1),
                var other => HashCode.Combine(other),
            },
        };

        private static int Hash(byte[] bytes)
        {
            var hash = new HashCode();
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }

        private static object Number(object key) => key switch
        {
            bool b => b ? 1L : 0L,
            double x when Math.Floor(x) == x && Math.Abs(x) < 9e18 => (long)x,
            double x when Math.Floor(x) == x && !double.IsInfinity(x) => new BigInteger(x),
            Complex { Imaginary: 0 } c => Number(c.Real),
            _ => key,
        };
    }
}
