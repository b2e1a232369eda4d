using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A recurrent cell whose unit is a <see cref="NeuralAccumulator"/>: it counts and adds up. State names <c>nac.W_hat</c>,
/// <c>nac.M_hat</c>.</summary>
public sealed class NacCell : ArithmeticCell
{
    [ComponentName(Name = "nac")]
    private readonly NeuralAccumulator _nac;

    /// <summary>A cell with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in at each step.</param>
    /// <param name="hiddenFeatures">Numbers kept from step to step.</param>
    /// <param name="init">How the weights begin.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NacCell(long inFeatures, long hiddenFeatures, NacInit init = NacInit.Kaiming, Generator? generator = null)
        : base(nameof(NacCell), inFeatures, hiddenFeatures)
    {
        _nac = new NeuralAccumulator(inFeatures + hiddenFeatures, hiddenFeatures, init, generator: generator);
        RegisterComponents();
    }

    private protected override Module<Tensor, Tensor> Unit => _nac;
}
