using System.Numerics;
using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Random trees of values and tensors come back bit for bit, with the same parts shared.</summary>
[Category("Property")]
public class RoundTripTests
{
    private static readonly ScalarType[] Dtypes =
    [
        ScalarType.Bool, ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Float16,
        ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64, ScalarType.ComplexFloat32, ScalarType.ComplexFloat64,
    ];

    [Test]
    public void RandomTreesComeBack([Values] bool memoryMap)
    {
        using var folder = new TemporaryFolder();
        Gen.Int.Sample(seed =>
        {
            using var scope = NewDisposeScope();
            var tree = new RandomTree(seed).Value(4);
            PyTorchFile.Save(folder["f"], tree);
            var again = PyTorchFile.Load(folder["f"], new PyTorchLoadOptions { MemoryMap = memoryMap });
            new TreeComparison().Same(tree, again);
            // What was read is written in the same way.
            PyTorchFile.Save(folder["g"], again);
            Assert.That(File.ReadAllBytes(folder["g"]), Is.EqualTo(File.ReadAllBytes(folder["f"])));
        }, iter: 150, threads: 1);
    }

    [Test]
    public void RandomTensorsComeBackFromSafetensors([Values] bool memoryMap, [Values] bool sharded)
    {
        using var folder = new TemporaryFolder();
        Gen.Int.Sample(seed =>
        {
            using var scope = NewDisposeScope();
            var random = new RandomTree(seed);
            var tensors = new Dictionary<string, Tensor>();
            for (var i = random.Next(12); i > 0; i--)
                if (random.Tensor() is var tensor && tensor.dtype != ScalarType.ComplexFloat64) tensors[random.Text()] = tensor;
            var path = folder[sharded ? "m.safetensors.index.json" : "m.safetensors"];
            if (sharded) SafetensorsFile.SaveSharded(path, tensors, 100);
            else SafetensorsFile.Save(path, tensors);
            var again = SafetensorsFile.Load(path, memoryMap: memoryMap);
            Assert.That(again.Keys, Is.EqualTo(tensors.Keys));
            foreach (var (name, tensor) in tensors) TreeComparison.SameValues(tensor, again[name]);
        }, iter: 60, threads: 1);
    }

    [Test]
    public void WritesThroughAMappedTensorStayInMemory()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        PyTorchFile.Save(folder["f"], ones(1000));
        var before = File.ReadAllBytes(folder["f"]);
        var mapped = (Tensor)PyTorchFile.Load(folder["f"], new PyTorchLoadOptions { MemoryMap = true })!;
        mapped.fill_(7);
        Assert.That(mapped.sum().item<float>(), Is.EqualTo(7000));
        Assert.That(File.ReadAllBytes(folder["f"]), Is.EqualTo(before));
        // Replacing the file leaves the mapped one as it is.
        PyTorchFile.Save(folder["f"], zeros(1000));
        Assert.That(mapped.sum().item<float>(), Is.EqualTo(7000));
    }

    [Test]
    public void OnlyWhatTensorsShowIsWritten()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var large = rand(1 << 20);
        PyTorchFile.Save(folder["f"], new List<object?> { large[1000..1010], large[1005..1020], large[5000..5001] });
        Assert.That(new FileInfo(folder["f"]).Length, Is.LessThan(2000));
        var again = (List<object?>)PyTorchFile.Load(folder["f"])!;
        ((Tensor)again[0]!)[5] = -1;
        Assert.That(((Tensor)again[1]!)[0].item<float>(), Is.EqualTo(-1), "overlapping tensors share memory");
        Assert.That(((Tensor)again[2]!).item<float>(), Is.EqualTo(large[5000].item<float>()));
    }

    [Test]
    public void WhatCannotBeSavedIsRefusedBeforeAFileIsMade()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var cycle = new List<object?>();
        cycle.Add(new PyTuple(cycle));
        object? deep = null;
        for (var i = 0; i < 2000; i++) deep = new List<object?> { deep };
        foreach (var tree in new object?[] { cycle, deep, new object(), new List<object?> { DateTime.Now }, "\ud800", eye(3).to_sparse(),
            zeros(2, device: META) })
            Assert.That(() => PyTorchFile.Save(folder["f"], tree), Throws.ArgumentException, $"{tree}");
        Assert.That(folder.Files, Is.Empty);
    }

    [Test]
    public void PathsThatLeadNowhereAreNamed()
    {
        var tree = new PyDict { ["a"] = new List<object?> { new PyDict { ["b"] = 3 } }, ["lr"] = 1L, [7L] = "seven" };
        Assert.That(tree.Get<long>("a", 0, "b"), Is.EqualTo(3));
        Assert.That(tree.Get<double>("lr"), Is.EqualTo(1.0));
        Assert.That((tree[7], tree[7.0]), Is.EqualTo(("seven", "seven")));
        Assert.That(() => tree.Get<long>("a", 0, "c"), Throws.TypeOf<InvalidDataException>().With.Message.Contains("a/0/c"));
        Assert.That(() => tree.Get<string>("lr"),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("'lr' is an int; a string was expected"));
        Assert.That(tree.TryGet<long>("none", out _), Is.False);
        Assert.That(() => tree[new List<object?>()], Throws.ArgumentException);
    }

    private sealed class RandomTree(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly Generator _generator = new((ulong)(uint)seed);
        private readonly List<object> _made = [];
        private readonly List<Tensor> _tensors = [];

        public int Next(int limit) => _random.Next(limit);

        public object? Value(int depth)
        {
            if (_made.Count > 0 && Next(8) == 0) return _made[Next(_made.Count)];
            var kind = Next(depth > 0 ? 18 : 13);
            object? value = kind switch
            {
                0 => null,
                1 => Next(2) == 0,
                2 => _random.NextInt64() >> Next(64),
                3 => -(_random.NextInt64() >> Next(64)),
                4 => BigInteger.Pow(_random.NextInt64() + (1L << 62), 1 + Next(40)) * (Next(2) == 0 ? 2 : -2),
                5 => BitConverter.Int64BitsToDouble(_random.NextInt64()),
                6 => Text(),
                7 => new Complex(_random.NextDouble(), double.NegativeInfinity),
                8 => Bytes(),
                9 => new PyByteArray(Bytes()),
                10 when Next(2) == 0 => Dtypes[Next(Dtypes.Length)],
                10 => Next(2) == 0 ? new Device(DeviceType.CPU) : new Device(DeviceType.CUDA, Next(3)),
                11 or 12 => Tensor(),
                13 => new List<object?>(Items(depth)),
                14 => new PyTuple([.. Items(depth)]),
                15 => PyTuple.Size(1, Next(100)),
                16 => Set(),
                _ => Dict(depth),
            };
            if (kind >= 11 && value is not (null or PyTuple { Count: 0 })) _made.Add(value);
            return value;
        }

        public Tensor Tensor()
        {
            using var off = no_grad();
            if (_tensors.Count > 0 && Next(3) == 0)
            {
                var other = _tensors[Next(_tensors.Count)].detach();
                return Keep(Next(4) switch
                {
                    0 when other.ndim > 1 => other.transpose(0, 1),
                    1 when other.ndim > 0 && other.shape[0] > 1 => other[1..],
                    2 when other.ndim > 0 => other.unsqueeze(0).expand([3, .. other.shape]),
                    _ => other.alias(),
                });
            }
            var shape = Enumerable.Range(0, Next(4)).Select(_ => (long)Next(5)).ToArray();
            var dtype = Dtypes[Next(Dtypes.Length)];
            var values = randn([.. shape, 2], ScalarType.Float64, generator: _generator);
            var tensor = dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64 ? view_as_complex(values).to(dtype)
                : values.select(-1, 0).mul(50).to(dtype);
            var canTrain = tensor.is_floating_point() || tensor.is_complex();
            if (Next(4) == 0)
            {
                var parameter = new Parameter(tensor.contiguous(), canTrain && Next(2) == 0);
                if (Next(3) == 0) PyTree.AttributesOf(parameter)[Text()] = Next(10);
                return Keep(parameter);
            }
            return Keep(canTrain && Next(4) == 0 ? tensor.requires_grad_() : tensor);
        }

        public string Text() => string.Concat(Enumerable.Range(0, Next(5))
            .Select(_ => "aé漢\n\0😀".EnumerateRunes().ElementAt(Next(6)).ToString())) + Next(1000);

        private Tensor Keep(Tensor tensor)
        {
            _tensors.Add(tensor);
            return tensor;
        }

        private byte[] Bytes()
        {
            var bytes = new byte[Next(300)];
            _random.NextBytes(bytes);
            return bytes;
        }

        private IEnumerable<object?> Items(int depth) => Enumerable.Range(0, Next(6)).Select(_ => Value(depth - 1));

        private PySet Set()
        {
            var set = new PySet();
            for (var i = Next(5); i > 0; i--) set.Add(Key());
            return set;
        }

        private object? Key() => Next(5) switch
        {
            0 => (long)Next(100),
            1 => null,
            2 => new PyTuple(1L, Text()),
            3 => 0.5 + Next(10),
            _ => Text(),
        };

        private PyDict Dict(int depth)
        {
            var dict = new PyDict((PyDictKind)Next(3));
            for (var i = Next(6); i > 0; i--) dict[Key()] = Value(depth - 1);
            if (dict.Kind == PyDictKind.OrderedDict && Next(2) == 0) dict.Attributes["_metadata"] = Value(depth - 1);
            return dict;
        }
    }

    private sealed class TreeComparison
    {
        // Objects that were one are one again, and those that were two are two.
        private readonly Dictionary<object, object> _pairs = new(ReferenceEqualityComparer.Instance);

        public void Same(object? a, object? b)
        {
            switch (a)
            {
                case double x:
                    Assert.That(BitConverter.DoubleToInt64Bits((double)b!),
                    Is.EqualTo(BitConverter.DoubleToInt64Bits(x))); return;
                case int n: Assert.That(b, Is.EqualTo((long)n)); return;
                case PyByteArray bytes: Assert.That(((PyByteArray)b!).Bytes, Is.EqualTo(bytes.Bytes)); return;
                case Device device: Assert.That($"{b}", Is.EqualTo($"{device}")); return;
                case not (Tensor or List<object?> or PyTuple or PyDict or PySet): Assert.That(b, Is.EqualTo(a)); return;
            }
            Assert.That(b?.GetType(), Is.EqualTo(a.GetType()));
            if (_pairs.TryGetValue(a, out var known))
            {
                Assert.That(ReferenceEquals(known, b));
                return;
            }
            if (a is not PyTuple { Count: 0 })
            {
                Assert.That(_pairs.Values, Has.None.SameAs(b));
                _pairs.Add(a, b!);
            }
            switch (a)
            {
                case Tensor tensor: SameTensor(tensor, (Tensor)b!); break;
                case PySet set: SameItems(set, (PySet)b!); break;
                case PyDict dict:
                    Assert.That(((PyDict)b!).Kind, Is.EqualTo(dict.Kind));
                    SameItems(dict.Keys, ((PyDict)b).Keys);
                    SameItems(dict.Values, ((PyDict)b).Values);
                    if (dict.HasAttributes) SameItems(dict.Attributes.Values, ((PyDict)b).Attributes.Values);
                    break;
                default:
                    Assert.That((b as PyTuple)?.IsSize, Is.EqualTo((a as PyTuple)?.IsSize));
                    SameItems((IReadOnlyList<object?>)a, (IReadOnlyList<object?>)b!);
                    break;
            }
        }

        public static void SameValues(Tensor a, Tensor b)
        {
            using var off = no_grad();
            Assert.That((b.dtype, string.Join(",", b.shape)), Is.EqualTo((a.dtype, string.Join(",", a.shape))));
            Assert.That(b.contiguous().bytes.SequenceEqual(a.contiguous().bytes));
        }

        private void SameTensor(Tensor a, Tensor b)
        {
            SameValues(a, b);
            Assert.That(b.requires_grad, Is.EqualTo(a.requires_grad));
            Assert.That(b.stride(), Is.EqualTo(a.stride()));
            Assert.That(PyTree.HasAttributes(b), Is.EqualTo(PyTree.HasAttributes(a)));
            if (PyTree.HasAttributes(a)) SameItems(PyTree.AttributesOf(a).Values, PyTree.AttributesOf(b).Values);
        }

        private void SameItems(IEnumerable<object?> a, IEnumerable<object?> b)
        {
            Assert.That(b.Count(), Is.EqualTo(a.Count()));
            foreach (var (x, y) in a.Zip(b)) Same(x, y);
        }
    }
}
