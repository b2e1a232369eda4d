using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// Writes a tree as a pickle of protocol 2, with the opcodes and names that <c>weights_only=True</c> reads; all but bytes, sets, complex
/// numbers and tensor attributes are known to PyTorch since 1.13 (which however refuses every float in this mode).
/// </summary>
internal sealed class Pickler(SavedStorages storages)
{
    private const int MaxDepth = 1000;
    private const int Batch = 1000;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly MemoryStream _output = new();
    private readonly Dictionary<object, int> _memo = new(new MemoComparer());
    private readonly HashSet<object> _open = new(ReferenceEqualityComparer.Instance);
    private int _slots;

    /// <summary>The pickle.</summary>
    /// <exception cref="ArgumentException">The tree holds what cannot be pickled.</exception>
    public byte[] Pickle(object? tree)
    {
        Op(Opcode.Proto);
        _output.WriteByte(2);
        Value(tree);
        Op(Opcode.Stop);
        return _output.ToArray();
    }

    private void Value(object? value)
    {
        switch (value)
        {
            case null: Op(Opcode.None); break;
            case bool flag: Op(flag ? Opcode.NewTrue : Opcode.NewFalse); break;
            case long integer: Integer(integer); break;
            case int integer: Integer(integer); break;
            case BigInteger integer: Long(integer); break;
            case double real: Float(real); break;
            case float real: Float(real); break;
            case string text: Text(text); break;
            case ScalarType dtype: Global("torch", AllowedGlobals.DtypeName(dtype)); break;
            case Device { type: not DeviceType.CPU, index: >= 0 } device: Call("torch", "device", Name(device), (long)device.index); break;
            case Device device: Call("torch", "device", Name(device)); break;
            case Complex complex: Call("__builtin__", "complex", complex.Real, complex.Imaginary); break;
            case byte[] bytes: Call("_codecs", "encode", Encoding.Latin1.GetString(bytes), "latin1"); break;
            case PyByteArray { Bytes.Length: 0 }: Call("__builtin__", "bytearray"); break;
            case PyByteArray array: Call("__builtin__", "bytearray", array.Bytes); break;
            case PyTuple { Count: 0, IsSize: false }: Op(Opcode.EmptyTuple); break;
            default:
                // Python could save a cycle; our reader, and whoever walks the tree, could not take it.
                if (_open.Contains(value)) throw new ArgumentException($"{PyTree.Describe(value)} contains itself and cannot be saved");
                if (_memo.TryGetValue(value, out var slot)) Get(slot);
                else Object(value);
                break;
        }
    }

    private void Object(object value)
    {
        _open.Add(value);
        if (_open.Count > MaxDepth) throw new ArgumentException($"values nested deeper than {MaxDepth} levels cannot be saved");
        switch (value)
        {
            case Tensor tensor: Tensor(tensor); break;
            case List<object?> list: List(list); break;
            case PyTuple { IsSize: true } size: Call("torch", "Size", new PyTuple(size.AsSpan())); break;
            case PyTuple tuple: Tuple(tuple.AsSpan()); break;
            case PyDict dict: Dict(dict); break;
            case PySet set: Call("__builtin__", "set", set.ToList()); break;
            case IReadOnlyDictionary<string, Tensor> tensors: StateDict(tensors); break;
            default: throw new ArgumentException($"a {value.GetType()} cannot be saved");
        }
        _open.Remove(value);
        // A list or dict is in the memo since before its items; a repeated put of the others does no harm.
        if (!_memo.ContainsKey(value)) Put(value);
    }

    private void Tensor(Tensor tensor)
    {
        var attributes = PyTree.HasAttributes(tensor) ? PyTree.AttributesOf(tensor) : null;
        if (tensor is Parameter)
        {
            Global("torch._utils", attributes is null ? "_rebuild_parameter" : "_rebuild_parameter_with_state");
            Op(Opcode.Mark);
            Global("torch._utils", "_rebuild_tensor_v2");
            TensorArguments(tensor, requiresGrad: false);
            Op(Opcode.Reduce);
            Value(tensor.requires_grad);
            EmptyOrderedDict();
            if (attributes is not null) Value(attributes);
            Op(Opcode.Tuple);
        }
        else if (attributes is not null)
        {
            Global("torch._tensor", "_rebuild_from_type_v2");
            Op(Opcode.Mark);
            Global("torch._utils", "_rebuild_tensor_v2");
            Global("torch", "Tensor");
            TensorArguments(tensor, tensor.requires_grad);
            Value(attributes);
            Op(Opcode.Tuple);
        }
        else
        {
            Global("torch._utils", "_rebuild_tensor_v2");
            TensorArguments(tensor, tensor.requires_grad);
        }
        Op(Opcode.Reduce);
    }

    private void TensorArguments(Tensor tensor, bool requiresGrad)
    {
        var place = storages[tensor];
        Op(Opcode.Mark);
        Op(Opcode.Mark);
        Text("storage");
        Global("torch", AllowedGlobals.StorageName(place.Storage.Dtype));
        Text(place.Storage.Key);
        Text("cpu");
        Integer(place.Storage.Count);
        Op(Opcode.Tuple);
        Op(Opcode.BinPersId);
        Integer(place.Offset);
        Integers(place.Size);
        Integers(place.Stride);
        Value(requiresGrad);
        EmptyOrderedDict();
        Op(Opcode.Tuple);
    }

    private void EmptyOrderedDict()
    {
        Global("collections", "OrderedDict");
        Op(Opcode.EmptyTuple);
        Op(Opcode.Reduce);
    }

    private void Dict(PyDict dict)
    {
        if (dict.Kind == PyDictKind.Counter)
        {
            var counts = new PyDict();
            foreach (var (key, count) in dict) counts.Add(key, count);
            Call("collections", "Counter", counts);
            return;
        }
        if (dict.Kind == PyDictKind.OrderedDict) EmptyOrderedDict();
        else Op(Opcode.EmptyDict);
        Put(dict);
        Items(dict);
        if (dict.HasAttributes && dict.Kind == PyDictKind.OrderedDict)
        {
            Value(dict.Attributes);
            Op(Opcode.Build);
        }
    }

    private void StateDict(IReadOnlyDictionary<string, Tensor> tensors)
    {
        EmptyOrderedDict();
        Put(tensors);
        Items(tensors.Select(t => new KeyValuePair<object?, object?>(t.Key, t.Value)));
    }

    private void Items(IEnumerable<KeyValuePair<object?, object?>> items)
    {
        foreach (var batch in items.Chunk(Batch))
        {
            Op(Opcode.Mark);
            foreach (var (key, value) in batch)
            {
                Value(key);
                Value(value);
            }
            Op(Opcode.SetItems);
        }
    }

    private void List(List<object?> list)
    {
        Op(Opcode.EmptyList);
        Put(list);
        foreach (var batch in list.Chunk(Batch))
        {
            Op(Opcode.Mark);
            foreach (var item in batch) Value(item);
            Op(Opcode.Appends);
        }
    }

    private void Call(string module, string name, params ReadOnlySpan<object?> arguments)
    {
        Global(module, name);
        Tuple(arguments);
        Op(Opcode.Reduce);
    }

    private void Tuple(ReadOnlySpan<object?> items)
    {
        if (items.Length > 3) Op(Opcode.Mark);
        foreach (var item in items) Value(item);
        Op(items.Length switch { 0 => Opcode.EmptyTuple, 1 => Opcode.Tuple1, 2 => Opcode.Tuple2, 3 => Opcode.Tuple3, _ => Opcode.Tuple });
    }

    private void Integers(long[] values)
    {
        if (values.Length > 3) Op(Opcode.Mark);
        foreach (var value in values) Integer(value);
        Op(values.Length switch { 0 => Opcode.EmptyTuple, 1 => Opcode.Tuple1, 2 => Opcode.Tuple2, 3 => Opcode.Tuple3, _ => Opcode.Tuple });
    }

    private void Integer(long value)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (value is < int.MinValue or > int.MaxValue)
        {
            Long(value);
            return;
        }
        BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)value);
        Op(value switch { >= 0 and <= byte.MaxValue => Opcode.BinInt1, >= 0 and <= ushort.MaxValue => Opcode.BinInt2, _ => Opcode.BinInt });
        _output.Write(bytes[..(value switch { >= 0 and <= byte.MaxValue => 1, >= 0 and <= ushort.MaxValue => 2, _ => 4 })]);
    }

    private void Long(BigInteger value)
    {
        if (value >= int.MinValue && value <= int.MaxValue)
        {
            Integer((long)value);
            return;
        }
        var bytes = value.ToByteArray();
        if (bytes.Length <= byte.MaxValue)
        {
            Op(Opcode.Long1);
            _output.WriteByte((byte)bytes.Length);
        }
        else
        {
            Op(Opcode.Long4);
            Length(bytes.Length);
        }
        _output.Write(bytes);
    }

    private void Float(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        Op(Opcode.BinFloat);
        _output.Write(bytes);
    }

    private void Text(string text)
    {
        if (_memo.TryGetValue(text, out var slot))
        {
            Get(slot);
            return;
        }
        byte[] bytes;
        try { bytes = Utf8.GetBytes(text); }
        catch (EncoderFallbackException e) { throw new ArgumentException("a string with half a surrogate pair cannot be saved", e); }
        Op(Opcode.BinUnicode);
        Length(bytes.Length);
        _output.Write(bytes);
        Put(text);
    }

    private void Global(string module, string name)
    {
        var global = (module, name);
        if (_memo.TryGetValue(global, out var slot))
        {
            Get(slot);
            return;
        }
        Op(Opcode.Global);
        _output.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
        Put(global);
    }

    private void Put(object value)
    {
        _memo.Add(value, _slots);
        Slot(Opcode.BinPut, Opcode.LongBinPut, _slots++);
    }

    private void Get(int slot) => Slot(Opcode.BinGet, Opcode.LongBinGet, slot);

    private void Slot(Opcode small, Opcode large, int slot)
    {
        Op(slot <= byte.MaxValue ? small : large);
        if (slot <= byte.MaxValue) _output.WriteByte((byte)slot);
        else Length(slot);
    }

    private void Length(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _output.Write(bytes);
    }

    private void Op(Opcode opcode) => _output.WriteByte((byte)opcode);

    private static string Name(Device device) => device.type.ToString().ToLowerInvariant();

    // Strings and globals are the same when their text is; objects, when they are the same object.
    private sealed class MemoComparer : IEqualityComparer<object>
    {
        public new bool Equals(object? x, object? y) => ReferenceEquals(x, y)
            || x is string a && y is string b && a == b
            || x is ValueTuple<string, string> p && y is ValueTuple<string, string> q && p == q;

        public int GetHashCode(object value) => value is string or ValueTuple<string, string>
            ? value.GetHashCode()
            : RuntimeHelpers.GetHashCode(value);
    }
}
