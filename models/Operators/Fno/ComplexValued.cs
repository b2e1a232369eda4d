using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>A complex version of a real module, from two copies f and g of it: (f(Re x) − g(Im x)) + i (f(Im x) + g(Re x)).</summary>
public sealed class ComplexValued : Module<Tensor, Tensor>
{
    [ComponentName(Name = "fr")]
    private readonly Module<Tensor, Tensor> _real;
    [ComponentName(Name = "fi")]
    private readonly Module<Tensor, Tensor> _imaginary;

    /// <summary>Makes the two copies; they start from the same weights.</summary>
    public ComplexValued(Func<Module<Tensor, Tensor>> make) : base(nameof(ComplexValued))
    {
        _real = make();
        _imaginary = make();
        using (no_grad())
            foreach (var (from, to) in StateDict.Entries(_real).Zip(StateDict.Entries(_imaginary)))
                to.Stored.copy_(from.Stored);
        RegisterComponents();
    }

    /// <summary>The module for real part f; AdaIN's embedding is set on both parts.</summary>
    internal IEnumerable<Module<Tensor, Tensor>> Parts => [_real, _imaginary];

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (re, im) = (x.real, x.imag);
        return complex(
            _real.forward(re) - _imaginary.forward(im),
            _real.forward(im) + _imaginary.forward(re)).MoveToOuterDisposeScope();
    }

    /// <summary>A real function of real and imaginary part separately.</summary>
    public static Tensor Split(Tensor x, Func<Tensor, Tensor> function)
    {
        using var scope = NewDisposeScope();
        return complex(function(x.real), function(x.imag)).MoveToOuterDisposeScope();
    }
}
