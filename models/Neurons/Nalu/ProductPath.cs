using TorchZoo.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>Weighted products: sums in another scale.</summary>
/// <param name="Mode">Which scale.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="LogClamp">Largest exponent.</param>
internal sealed record ProductPath(NaluMulMode Mode, double Epsilon, double LogClamp)
{
    public void Validate()
    {
        if (!Enum.IsDefined(Mode)) throw new ArgumentOutOfRangeException("mul", Mode, "is no way to multiply");
        if (!(Epsilon > 0)) throw new ArgumentOutOfRangeException("eps", Epsilon, "must be positive");
        if (!(LogClamp > 0)) throw new ArgumentOutOfRangeException("logClamp", LogClamp, "must be positive");
    }

    /// <summary>(…, in), (out, in) → (…, out).</summary>
    public Tensor Apply(Tensor x, Tensor weight)
    {
        using var scope = NewDisposeScope();
        if (Mode == NaluMulMode.Trig)
            return Ensemble.Linear(x.asinh(), weight).clamp(-LogClamp, LogClamp).sinh().MoveToOuterDisposeScope();
        var logs = Mode switch
        {
            NaluMulMode.Safe => ((x - 1).abs() + 1).log(),
            NaluMulMode.MaxSafe => (functional.relu(x - 1) + 1).log(),
            _ => (x.abs() + Epsilon).log(),
        };
        return Ensemble.Linear(logs, weight).clamp_max(LogClamp).exp().MoveToOuterDisposeScope();
    }
}
