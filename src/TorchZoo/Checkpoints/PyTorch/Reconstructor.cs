using System.Globalization;
using System.Numerics;
using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>What the allowed names do: makes Python values, storages and tensors out of verified arguments.</summary>
internal sealed class Reconstructor(StorageTable storages, TensorFactory tensors, Budget budget)
{
    private const int MaxDeviceIndex = 1023;

    /// <summary>A persistent id: always a storage.</summary>
    public StorageView Storage(object? id) => storages.Resolve(id as PyTuple
        ?? throw new InvalidDataException("a persistent id is no tuple"));

    /// <summary>Calls a function or makes an instance of a class.</summary>
    public object? Call(PyGlobal global, PyTuple arguments) => (global, arguments.Items) switch
    {
        (PyGlobal.OrderedDict, []) => new PyDict(PyDictKind.OrderedDict),
        (PyGlobal.OrderedDict, [IReadOnlyList<object?> pairs]) => FromPairs(pairs),
        (PyGlobal.Counter, []) => new PyDict(PyDictKind.Counter),
        (PyGlobal.Counter, [PyDict counts]) => Copy(counts, PyDictKind.Counter),
        (PyGlobal.Set, []) => new PySet(),
        (PyGlobal.Set, [IReadOnlyList<object?> items]) => AddAll(new PySet(), items, budget),
        (PyGlobal.Complex, [var re, var im]) => new Complex(Real(re), Real(im)),
        (PyGlobal.Bytes, []) => Array.Empty<byte>(),
        (PyGlobal.Encode, [string text]) => Latin1(text, "latin1"),
        (PyGlobal.Encode, [string text, string encoding]) => Latin1(text, encoding),
        (PyGlobal.ByteArray, []) => new PyByteArray([]),
        (PyGlobal.ByteArray, [byte[] bytes]) => new PyByteArray([.. bytes]),
        (PyGlobal.ByteArray, [string text, string encoding]) => new PyByteArray(Latin1(text, encoding)),
        (PyGlobal.Size, []) => PyTuple.Size(),
        (PyGlobal.Size, [IReadOnlyList<object?> sizes]) => PyTuple.Size(Integers(sizes, "a size")),
        (PyGlobal.Device, [string name]) => ParseDevice(name),
        (PyGlobal.Device, [string name, long index]) => ParseDevice($"{name}:{index}"),
        (PyGlobal.Parameter, [Tensor data]) => MakeParameter(data, true),
        (PyGlobal.Parameter, [Tensor data, bool requiresGrad]) => MakeParameter(data, requiresGrad),
        (PyGlobal.RebuildTensor, [StorageView storage, long offset, var size, var stride]) =>
            MakeTensor(storage, offset, size, stride, new TensorTraits()),
        (PyGlobal.RebuildTensorV2, [StorageView storage, long offset, var size, var stride, bool requiresGrad, var hooks]) =>
            MakeTensor(storage, offset, size, stride, Traits(requiresGrad, hooks)),
        (PyGlobal.RebuildTensorV2, [StorageView storage, long offset, var size, var stride, bool requiresGrad, var hooks, var metadata]) =>
            MakeTensor(storage, offset, size, stride, Traits(requiresGrad, hooks, metadata)),
        (PyGlobal.RebuildTensorV3,
            [StorageView storage, long offset, var size, var stride, bool requiresGrad, var hooks, ScalarType dtype]) =>
            MakeTensor(storage, offset, size, stride, Traits(requiresGrad, hooks) with { Dtype = dtype }),
        (PyGlobal.RebuildTensorV3,
            [StorageView storage, long offset, var size, var stride, bool requiresGrad, var hooks, ScalarType dtype, var metadata]) =>
            MakeTensor(storage, offset, size, stride, Traits(requiresGrad, hooks, metadata) with { Dtype = dtype }),
        (PyGlobal.RebuildParameter, [Tensor data, bool requiresGrad, .. var hooks]) when hooks.Length <= 1 =>
            MakeParameter(data, requiresGrad, hooks.Length == 1 ? hooks[0] : null),
        (PyGlobal.RebuildParameterWithState, [Tensor data, bool requiresGrad, var hooks, var state]) =>
            WithState(MakeParameter(data, requiresGrad, hooks), state),
        (PyGlobal.RebuildFromType, [PyGlobal function, PyGlobal type, PyTuple inner, var state]) => FromType(function, type, inner, state),
        _ => throw new InvalidDataException(
            $"{global} was called with arguments that it doesn't take: ({string.Join(", ", arguments.Take(10).Select(PyTree.Describe))})"),
    };

    /// <summary>Sets the attributes of an object.</summary>
    public void Build(object? target, object? state)
    {
        // state_dict() returns an OrderedDict with the attribute _metadata; nothing else that a checkpoint holds is built in this way.
        if (target is not PyDict { Kind: PyDictKind.OrderedDict } dict)
            throw new InvalidDataException($"{PyTree.Describe(target)} has no state to set");
        SetAttributes(dict.Attributes, state as PyDict
            ?? throw new InvalidDataException($"an OrderedDict's state is {PyTree.Describe(state)}"));
    }

    /// <summary>Adds values to a set.</summary>
    public static PySet AddAll(PySet set, IEnumerable<object?> items, Budget budget)
    {
        try
        {
            foreach (var item in items)
            {
                budget.SpendOnKey(item);
                set.Add(item);
            }
        }
        catch (ArgumentException e) { throw new InvalidDataException(e.Message, e); }
        return set;
    }

    private object FromType(PyGlobal function, PyGlobal type, PyTuple arguments, object? state)
    {
        if (function is not (PyGlobal.RebuildTensor or PyGlobal.RebuildTensorV2 or PyGlobal.RebuildTensorV3 or PyGlobal.RebuildParameter)
            || type is not (PyGlobal.Tensor or PyGlobal.Parameter) || Call(function, arguments) is not Tensor tensor)
            throw new InvalidDataException($"{type} cannot be made by {function}");
        var isMissing = type == PyGlobal.Parameter && tensor is not Parameter;
        return WithState(isMissing ? MakeParameter(tensor, tensor.requires_grad) : tensor, state);
    }

    private Tensor WithState(Tensor tensor, object? state)
    {
        // A dict of attributes, or a pair: that dict and one of the slots.
        foreach (var part in state is PyTuple { Count: 2 } pair ? pair.AsSpan() : [state])
        {
            if (part is PyDict attributes) SetAttributes(PyTree.AttributesOf(tensor), attributes);
            else if (part is not null) throw new InvalidDataException($"a tensor's state is {PyTree.Describe(part)}");
        }
        return tensor;
    }

    private void SetAttributes(PyDict attributes, PyDict state)
    {
        foreach (var (name, value) in state)
        {
            budget.SpendOnKey(name);
            attributes[name as string ?? throw new InvalidDataException($"an attribute's name is {PyTree.Describe(name)}")] = value;
        }
    }

    private Tensor MakeTensor(StorageView storage, long offset, object? size, object? stride, TensorTraits traits) =>
        tensors.Make(storage, offset, Integers(size, "a size"), Integers(stride, "a stride"), traits);

    private Parameter MakeParameter(Tensor data, bool requiresGrad, object? hooks = null)
    {
        CheckHooks(hooks);
        return tensors.MakeParameter(data, requiresGrad);
    }

    private static TensorTraits Traits(bool requiresGrad, object? hooks, object? metadata = null)
    {
        CheckHooks(hooks);
        var traits = new TensorTraits { RequiresGrad = requiresGrad };
        if (metadata is null) return traits;
        foreach (var (key, value) in metadata as PyDict ?? throw new InvalidDataException("a tensor's metadata is no dict"))
            traits = (key, value) switch
            {
                ("conj", bool on) => traits with { IsConjugate = on },
                ("neg", bool on) => traits with { IsNegative = on },
                _ => throw new InvalidDataException($"a tensor has the unknown metadata {PyKey.Show(key)}"),
            };
        return traits;
    }

    // PyTorch always writes an empty OrderedDict.
    private static void CheckHooks(object? hooks)
    {
        if (hooks is not (null or PyDict { Count: 0 })) throw new InvalidDataException("a tensor has backward hooks");
    }

    private PyDict FromPairs(IReadOnlyList<object?> pairs)
    {
        var dict = new PyDict(PyDictKind.OrderedDict);
        try
        {
            foreach (var item in pairs)
            {
                if (item is not IReadOnlyList<object?> { Count: 2 } pair)
                    throw new InvalidDataException("an OrderedDict's item is no pair");
                budget.SpendOnKey(pair[0]);
                dict[pair[0]] = pair[1];
            }
        }
        catch (ArgumentException e) { throw new InvalidDataException(e.Message, e); }
        return dict;
    }

    private PyDict Copy(PyDict source, PyDictKind kind)
    {
        var copy = new PyDict(kind);
        foreach (var (key, value) in source)
        {
            budget.SpendOnKey(key);
            copy[key] = value;
        }
        return copy;
    }

    private static double Real(object? value) => value switch
    {
        double x => x,
        long n => n,
        _ => throw new InvalidDataException($"{PyTree.Describe(value)} is no real number"),
    };

    private static byte[] Latin1(string text, string encoding)
    {
        if (encoding is not ("latin1" or "latin-1")) throw new InvalidDataException($"bytes in the encoding '{PyKey.Printable(encoding)}'");
        foreach (var c in text)
            if (c > 255) throw new InvalidDataException("bytes with a character above 255");
        return Encoding.Latin1.GetBytes(text);
    }

    private static long[] Integers(object? values, string what)
    {
        if (values is not IReadOnlyList<object?> list) throw new InvalidDataException($"{what} is {PyTree.Describe(values)}");
        var integers = new long[list.Count];
        for (var i = 0; i < integers.Length; i++)
            integers[i] = list[i] is long n ? n : throw new InvalidDataException($"{what} holds {PyTree.Describe(list[i])}");
        return integers;
    }

    private static Device ParseDevice(string text)
    {
        var parts = text.Split(':');
        DeviceType? type = parts[0] switch
        {
            "cpu" => DeviceType.CPU,
            "cuda" => DeviceType.CUDA,
            "mps" => DeviceType.MPS,
            "meta" => DeviceType.META,
            "xla" => DeviceType.XLA,
            "hip" => DeviceType.HIP,
            _ => null,
        };
        var index = -1;
        if (type is null || parts.Length > 2
            || parts.Length == 2 && !(int.TryParse(parts[1], NumberStyles.None, null, out index) && index <= MaxDeviceIndex))
            throw new InvalidDataException($"'{PyKey.Printable(text)}' is no device");
        return new Device(type.Value, index);
    }
}
