using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels;
using TorchZoo.Optimizers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Compression;

/// <summary>
/// A layer whose weight has a pattern of zeros: only the other entries are stored, multiplied, differentiated and updated. Forward pass and
/// both products of the backward pass take time in proportion to their number (Nikdan et al. 2023, arXiv 2302.04852).
/// </summary>
/// <remarks>The kernels are for CPUs, in float32 and float64; their results don't depend on the number of threads. On other devices the layer
/// multiplies by its dense weight, zeros and all. 16-bit inputs (under automatic casting) are taken as float32.</remarks>
public abstract class SparseLayer : Module<Tensor, Tensor>, IHasSizedState
{
    private const string ValuesName = "W_val";

    /// <summary>The stored weights.</summary>
    protected readonly Parameter W_val;

    /// <summary>The bias; null without.</summary>
    protected readonly Parameter? bias;

    private protected SparseLayer(string name, Tensor weight, Tensor? bias, Tensor? mask) : base(name)
    {
        ArgumentNullException.ThrowIfNull(weight);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (weight.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new NotSupportedException($"sparse kernels compute in float32 and float64, not in {weight.dtype}");
        DenseShape = weight.shape;
        Expect.Shape(bias, nameof(bias), DenseShape[0]);
        Expect.Shape(mask, nameof(mask), weight.shape);
        var kept = (mask ?? weight.ne(0)).to(ScalarType.Bool).cpu().contiguous();
        Pattern = SparsePattern.Of(kept.data<bool>().ToArray(), (int)DenseShape[0]);
        W_val = new Parameter(weight.detach().reshape(-1).masked_select(kept.to(weight.device).reshape(-1)).DetachFromDisposeScope());
        if (bias is not null) this.bias = new Parameter(bias.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>Shape of the dense weight.</summary>
    public IReadOnlyList<long> DenseShape { get; }

    /// <summary>Number of stored weights.</summary>
    public long NonZeroCount => Pattern.Count;

    /// <summary>Number of weights of the dense layer.</summary>
    public long DenseCount => (long)Pattern.Height * Columns;

    /// <summary>Share of the dense weight that isn't stored, in [0, 1].</summary>
    public double Sparsity => 1 - (double)NonZeroCount / DenseCount;

    /// <summary>The stored weights, (<see cref="NonZeroCount"/>), in the order of the dense weight's elements.</summary>
    public Parameter StoredWeight => W_val;

    /// <summary>(output features or channels); null without.</summary>
    public Parameter? StoredBias => bias;

    /// <summary>Where each stored weight lies in the dense weight, flattened: (<see cref="NonZeroCount"/>) of int64, ascending.</summary>
    public Tensor StoredIndices() => tensor(Pattern.Flat(Columns));

    /// <summary>Which entries of the dense weight are stored, as booleans of its shape.</summary>
    public Tensor Mask()
    {
        using var scope = NewDisposeScope();
        return zeros(DenseCount, ScalarType.Bool).index_fill_(0, StoredIndices(), true).reshape(DenseShape.ToArray()).MoveToOuterDisposeScope();
    }

    /// <summary>The dense weight; gradients go through to the stored one.</summary>
    public Tensor DenseWeight() => Dense(W_val);

    /// <summary>Dense gradients of the weight, zeros' included, are kept while this is set: <see cref="DenseGradient"/> has that of the last
    /// backward pass. They cost as much as the dense layer's.</summary>
    public bool KeepsDenseGradient { get; set; }

    /// <summary>Of the dense weight's shape; null if there was no backward pass while <see cref="KeepsDenseGradient"/> was set.</summary>
    public Tensor? DenseGradient { get; private set; }

    /// <summary>Drops stored weights. The parameter stays the same object and has fewer elements then, its gradient is gone; an optimizer is told
    /// by <see cref="FusedOptimizer.Rearrange"/>.</summary>
    /// <param name="keep">What to keep: booleans of the dense weight's shape, or one for each stored weight.</param>
    /// <returns>The indices of the kept among those that were stored.</returns>
    /// <exception cref="ArgumentException">It has another shape.</exception>
    public Tensor ApplyFurtherMask(Tensor keep)
    {
        ArgumentNullException.ThrowIfNull(keep);
        using var scope = NewDisposeScope();
        var stored = keep.shape.AsSpan().SequenceEqual(DenseShape.ToArray()) ? keep.reshape(-1).cpu().index_select(0, StoredIndices()) : keep;
        Expect.Shape(stored, nameof(keep), NonZeroCount);
        var kept = stored.to(ScalarType.Bool).cpu().nonzero().squeeze(1);
        return Restore(StoredIndices().index_select(0, kept), kept).MoveToOuterDisposeScope();
    }

    /// <summary>Stores other entries of the dense weight. Those that were stored before keep their values, new ones begin at zero. As for the
    /// rest, see <see cref="ApplyFurtherMask"/>.</summary>
    /// <param name="mask">Booleans of the dense weight's shape.</param>
    /// <returns>For each stored weight its index among those stored before; −1 for new ones.</returns>
    /// <exception cref="ArgumentException">It has another shape.</exception>
    public Tensor ApplyMask(Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        Expect.Shape(mask, nameof(mask), DenseShape.ToArray());
        using var scope = NewDisposeScope();
        var indices = mask.to(ScalarType.Bool).cpu().reshape(-1).nonzero().squeeze(1);
        var before = full(DenseCount, -1, ScalarType.Int64).index_copy_(0, StoredIndices(), arange(NonZeroCount));
        return Restore(indices, before.index_select(0, indices)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IEnumerable<string> SizedState => [ValuesName, .. IndexNames];

    /// <inheritdoc/>
    public Action Adopt(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var pattern = Read(tensors);
        var values = tensors[ValuesName];
        Expect.Shape(values, ValuesName, pattern.Count);
        return () => Replace(pattern, values);
    }

    /// <inheritdoc/>
    public sealed override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.device_type != DeviceType.CPU) return Eager(input, DenseWeight(), bias);
        using var scope = NewDisposeScope();
        return Run(input).MoveToOuterDisposeScope();
    }

    /// <summary>Columns of the weight as a matrix with a row for each output.</summary>
    private protected int Columns => (int)(DenseShape.Aggregate(1L, (a, b) => a * b) / DenseShape[0]);

    private protected SparsePattern Pattern { get; private set; }

    private protected abstract IEnumerable<string> IndexNames { get; }

    /// <summary>The pattern's arrays as the state dict has them.</summary>
    private protected abstract IReadOnlyList<int[]> Indices(SparsePattern pattern);

    /// <summary>The pattern that a state dict describes.</summary>
    /// <exception cref="ArgumentException">It describes none of this size.</exception>
    private protected abstract SparsePattern Read(IReadOnlyDictionary<string, Tensor> state);

    /// <summary>The dense layer in torch operations.</summary>
    private protected abstract Tensor Eager(Tensor input, Tensor weight, Tensor? bias);

    /// <summary>The dense weight's gradient.</summary>
    private protected abstract Tensor WeightGradient(Tensor input, Tensor byOutput);

    /// <summary>The layer by its kernels.</summary>
    private protected abstract Tensor Run(Tensor input);

    /// <summary>Called when another pattern is stored.</summary>
    private protected abstract void OnPatternChanged();

    /// <summary>Puts the index arrays into buffers; at the end of constructors.</summary>
    private protected void RegisterIndices()
    {
        foreach (var (name, array) in IndexNames.Zip(Indices(Pattern))) register_buffer(name, tensor(array).DetachFromDisposeScope());
    }

    /// <summary>Applies a plan; gradients of gradients are the dense layer's.</summary>
    private protected Tensor Apply(SparsePlan plan, Tensor input, Func<Tensor, Tensor, Tensor?, Tensor> eager) =>
        new SparseFunction(plan, (x, values, b) => eager(x, Dense(values), b), KeepsDenseGradient ? Keep : null)
            .ApplyInFullPrecision(input, W_val, bias)[0];

    /// <summary>An index array of a state dict, of any integer type.</summary>
    private protected static int[] Integers(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.is_floating_point() || tensor.is_complex()
            ? throw new ArgumentException($"expected integers, got {tensor.dtype}", nameof(tensor))
            : tensor.to(ScalarType.Int32).cpu().contiguous().data<int>().ToArray();
    }

    private void Keep(Tensor input, Tensor byOutput)
    {
        DenseGradient?.Dispose();
        DenseGradient = WeightGradient(input, byOutput).DetachFromDisposeScope();
    }

    private Tensor Dense(Tensor values)
    {
        using var scope = NewDisposeScope();
        var indices = StoredIndices().to(values.device);
        return zeros(DenseCount, values.dtype, values.device).scatter(0, indices, values).reshape(DenseShape.ToArray())
            .MoveToOuterDisposeScope();
    }

    private Tensor Restore(Tensor indices, Tensor before)
    {
        using var off = no_grad();
        var pattern = SparsePattern.Of(indices.data<long>().ToArray(), Pattern.Height, Columns);
        Replace(pattern, Rearrangement.Of(W_val, before));
        return before;
    }

    private void Replace(SparsePattern pattern, Tensor values)
    {
        using var off = no_grad();
        W_val.grad = null;
        W_val.set_(values.to(W_val.dtype).to(W_val.device).clone());
        foreach (var (name, array) in IndexNames.Zip(Indices(pattern)))
        {
            var buffer = get_buffer(name)!;
            buffer.set_(tensor(array).to(buffer.device));
        }
        Pattern = pattern;
        OnPatternChanged();
    }
}
