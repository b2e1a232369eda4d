using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>A cell with a diagonal or 2 × 2 block Jacobian that can compute some channels of some samples without the others: what Newton's
/// method hasn't solved is a matter of these alone then.</summary>
public interface IChannelwiseCell : IRecurrentCell
{
    /// <summary>The states of some series, step by step.</summary>
    /// <param name="u">(batch, time, …)</param>
    /// <param name="initial">(batch, states)</param>
    /// <param name="samples">(series), the sample of each, int64.</param>
    /// <param name="channels">(series), the channel of each, int64.</param>
    /// <returns>(series, time, states of a channel)</returns>
    Tensor RunSeries(Tensor u, Tensor initial, Tensor samples, Tensor channels);
}
