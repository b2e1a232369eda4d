using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>What a pickled tensor is beside its place in a storage.</summary>
internal readonly record struct TensorTraits
{
    /// <summary>Whether it collects a gradient.</summary>
    public bool RequiresGrad { get; init; }

    /// <summary>Whether it shows the conjugates of its elements.</summary>
    public bool IsConjugate { get; init; }

    /// <summary>Whether it shows its elements with the opposite sign.</summary>
    public bool IsNegative { get; init; }

    /// <summary>Its dtype, where the storage has none.</summary>
    public ScalarType? Dtype { get; init; }
}

/// <summary>Where a tensor's elements are in a file.</summary>
internal sealed record TensorPlace(StorageRef Storage, long Offset, long[] Size, long[] Stride, TensorTraits Traits)
{
    /// <summary>Whether the elements lie one behind the other, in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var i = Size.Length - 1; i >= 0; i--)
            {
                if (Size[i] != 1 && Stride[i] != expected) return false;
                expected *= Size[i];
            }
            return !Traits.IsConjugate && !Traits.IsNegative;
        }
    }
}

/// <summary>
/// Makes tensors on the storages of a file. Memory is allocated, or mapped, but not filled: the file may yet turn out to be damaged.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="fileLength">Its length.</param>
/// <param name="source">Its storages.</param>
/// <param name="options">How it is read.</param>
internal sealed class TensorFactory(string path, long fileLength, StorageSource source, PyTorchLoadOptions options)
{
    private const int MaxDimensions = 64;

    private readonly Dictionary<Tensor, TensorPlace> _places = new(ReferenceEqualityComparer.Instance);
    private readonly MappedFile _mappedFile = new(path, fileLength);
    private double _shown;

    /// <summary>Where each tensor that was made has its elements.</summary>
    public IReadOnlyDictionary<Tensor, TensorPlace> Places => _places;

    /// <summary>Makes a tensor.</summary>
    /// <exception cref="InvalidDataException">It is no valid tensor within its storage.</exception>
    public Tensor Make(StorageView view, long offset, long[] size, long[] stride, TensorTraits traits)
    {
        var dtype = DtypeOf(view.Root, traits);
        var elementSize = TensorMemory.ElementSize(dtype);
        // An untyped storage is counted in bytes.
        if (view.Root.Bytes % elementSize != 0) throw new InvalidDataException($"storage '{view.Root.Key}' ends within an element");
        var count = traits.Dtype is null ? view.Count : view.Root.Bytes / elementSize;
        Check(count, offset, size, stride, elementSize);
        if (traits.RequiresGrad && !IsDifferentiable(dtype)) throw new InvalidDataException($"a {dtype} tensor requires a gradient");
        if (traits.IsConjugate && !IsComplex(dtype)) throw new InvalidDataException($"a {dtype} tensor is conjugate");
        if (traits.IsNegative && !IsDifferentiable(dtype)) throw new InvalidDataException($"a {dtype} tensor is negative");
        return Make(new TensorPlace(view.Root, view.Offset + offset, size, stride, traits));
    }

    /// <summary>Makes a parameter that shares the memory of a tensor.</summary>
    /// <exception cref="InvalidDataException">Its dtype cannot have a gradient.</exception>
    public Parameter MakeParameter(Tensor data, bool requiresGrad)
    {
        if (requiresGrad && !IsDifferentiable(data.dtype)) throw new InvalidDataException($"a {data.dtype} parameter requires a gradient");
        var place = _places[data];
        // The constructor of Parameter empties its argument, and the pickle may use the tensor once more.
        var parameter = new Parameter(Make(place with { Traits = place.Traits with { RequiresGrad = false } }), requiresGrad);
        _places.Add(parameter, place);
        return parameter;
    }

    private Tensor Make(TensorPlace place)
    {
        using var off = no_grad();
        var memory = place.Storage.Memory ??= Allocate(place.Storage);
        var tensor = memory.as_strided(place.Size, place.Stride, place.Storage.MemoryOffset + place.Offset);
        if (place.Traits.IsConjugate) tensor = Replace(tensor, tensor.conj());
        if (place.Traits.IsNegative) tensor = Replace(tensor, ScriptedOps.NegativeView(tensor));
        if (place.Traits.RequiresGrad) tensor.requires_grad_();
        _places.Add(tensor, place);
        return tensor;
    }

    private static Tensor Replace(Tensor old, Tensor with)
    {
        old.Dispose();
        return with;
    }

    private Tensor Allocate(StorageRef storage)
    {
        var dtype = storage.Dtype!.Value;
        var elementSize = TensorMemory.ElementSize(dtype);
        if (options.MemoryMap && IsCpu(options.Device) && !source.IsBigEndian && source.CanMap && source.IsRaw(storage) && storage.Bytes > 0
            && source.PositionOf(storage) is var position && _mappedFile.At(position, dtype) is { } mapping)
        {
            storage.MemoryOffset = position / elementSize;
            storage.IsMapped = true;
            return mapping;
        }
        return empty([storage.Bytes / elementSize], dtype, options.Device ?? CPU);
    }

    private static ScalarType DtypeOf(StorageRef storage, TensorTraits traits)
    {
        if (storage.Dtype is null) return (storage.Dtype = traits.Dtype ?? ScalarType.Byte).Value;
        if (traits.Dtype is { } dtype && dtype != storage.Dtype)
            throw new InvalidDataException($"storage '{storage.Key}' has tensors of two dtypes");
        return storage.Dtype.Value;
    }

    private void Check(long count, long offset, long[] size, long[] stride, int elementSize)
    {
        if (size.Length != stride.Length) throw new InvalidDataException($"a tensor has {size.Length} sizes and {stride.Length} strides");
        if (size.Length > MaxDimensions) throw new InvalidDataException($"a tensor has {size.Length} dimensions");
        var last = (Int128)offset;
        var elements = (Int128)1;
        for (var i = 0; i < size.Length; i++)
        {
            if (size[i] < 0 || stride[i] < 0) throw new InvalidDataException("a tensor has a negative size or stride");
            if (size[i] == 0) continue;
            last += (Int128)(size[i] - 1) * stride[i];
            elements *= size[i];
            if (last > long.MaxValue || elements * elementSize > long.MaxValue) throw new InvalidDataException("a tensor's size overflows");
        }
        var isEmpty = size.Contains(0);
        if (offset < 0 || (isEmpty ? offset > count : last >= count))
            throw new InvalidDataException($"a tensor [{string.Join(", ", size)}] reaches to element {last} of a storage of {count}");
        if (!isEmpty) _shown += (double)elements * elementSize;
        if (_shown > options.Limits.FreeExpansion + options.Limits.MaxExpansionRatio * fileLength)
            throw new InvalidDataException($"tensors show {_shown} bytes of a file of {fileLength}");
    }

    private static bool IsCpu(Device? device) => device is null || device.type == DeviceType.CPU;

    private static bool IsComplex(ScalarType dtype) => dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

    private static bool IsDifferentiable(ScalarType dtype) =>
        dtype is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64 || IsComplex(dtype);
}
