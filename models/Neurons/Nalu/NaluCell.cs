using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A recurrent cell whose unit is a <see cref="NeuralArithmeticLogicUnit"/>. State names <c>nalu.G</c>, <c>nalu.nac.W_hat</c>,
/// <c>nalu.nac.M_hat</c>.</summary>
public sealed class NaluCell : ArithmeticCell
{
    [ComponentName(Name = "nalu")]
    private readonly NeuralArithmeticLogicUnit _nalu;

    /// <summary>A cell with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in at each step.</param>
    /// <param name="hiddenFeatures">Numbers kept from step to step.</param>
    /// <param name="eps">ε of the logarithm.</param>
    /// <param name="init">How the weights begin.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NaluCell(long inFeatures, long hiddenFeatures, double eps = 1e-7, NacInit init = NacInit.Kaiming, Generator? generator = null)
        : base(nameof(NaluCell), inFeatures, hiddenFeatures)
    {
        _nalu = new NeuralArithmeticLogicUnit(inFeatures + hiddenFeatures, hiddenFeatures, eps, init: init, generator: generator);
        RegisterComponents();
    }

    private protected override Module<Tensor, Tensor> Unit => _nalu;
}
