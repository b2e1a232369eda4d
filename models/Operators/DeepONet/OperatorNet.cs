using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// A learned operator G in the form G(u)(y) = Σ_k b_k(u)·t_k(y) + …: coefficients that depend on the input function u alone, and basis
/// functions that depend on the query point y alone.
/// </summary>
/// <param name="name">The module's name.</param>
public abstract class OperatorNet(string name) : Module<Tensor, Tensor, Tensor>(name)
{
    /// <summary>Applied to the query points before anything else, e.g. a normalisation. It is no part of checkpoints: set it again after
    /// loading.</summary>
    public Func<Tensor, Tensor>? InputTransform { get; set; }

    /// <summary>(u, y, output) → output, applied last, e.g. y ↦ y·output, which holds G(u)(0) at 0. It is no part of checkpoints: set it
    /// again after loading.</summary>
    public Func<Tensor, Tensor, Tensor, Tensor>? OutputTransform { get; set; }

    /// <summary>The branch: input functions to coefficients, (functions, m) → (functions, groups, p). There are as many groups as outputs,
    /// or one that they share.</summary>
    /// <exception cref="ArgumentException">Not what the branch net takes.</exception>
    public abstract Tensor Encode(Tensor u);

    /// <summary>The trunk: query points to values of the basis functions, (points, d) → (points, groups, p).</summary>
    /// <exception cref="ArgumentException">Not what the trunk net takes.</exception>
    public abstract Tensor Basis(Tensor y);

    /// <summary>The outputs for <see cref="Encode"/>'s and <see cref="Basis"/>'s results; without <see cref="OutputTransform"/>. Keep
    /// either result to use it again.</summary>
    public abstract Tensor Combine(Tensor coefficients, Tensor basis);

    /// <summary>G(u)(y).</summary>
    /// <param name="u">Values of the input functions at the sensors, (functions, m).</param>
    /// <param name="y">Query points, (points, d).</param>
    /// <exception cref="ArgumentException">Wrong shapes; the message says whether the branch's or the trunk's.</exception>
    public sealed override Tensor forward(Tensor u, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(y);
        CheckPairing(u, y);
        using var scope = NewDisposeScope();
        var output = Combine(Encode(u), Basis(y));
        if (OutputTransform is not null) output = OutputTransform(u, y, output);
        return output.MoveToOuterDisposeScope();
    }

    private protected virtual void CheckPairing(Tensor u, Tensor y) { }

    /// <summary>Σ_k b_k t_k for every function at every point: (functions, groups, p), (points, groups, p) → (functions, points) or, with
    /// several outputs, (functions, points, outputs).</summary>
    private protected static Tensor Product(Tensor coefficients, Tensor basis, int outputs)
    {
        // einsum spreads a single group over the other side's, as one matrix product.
        if (outputs > 1) return einsum("bgp,ngp->bng", coefficients, basis);
        using var scope = NewDisposeScope();
        return coefficients.squeeze(1).mm(basis.squeeze(1).t()).MoveToOuterDisposeScope();
    }

    private protected static string Shape(Tensor x) => $"({string.Join(", ", x.shape)})";
}
