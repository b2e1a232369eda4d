using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>How an activation is set up.</summary>
/// <param name="Values">Its parameters' values at the start, in order.</param>
/// <param name="Shape">The shape of what is trained: one number for all, one a channel, or one a neuron.</param>
/// <param name="ChannelDim">The axis of the input where that shape begins; negative: from the end.</param>
/// <param name="Trainable">Whether parameters are trained; null: as the table says.</param>
/// <param name="Device">Where they are.</param>
/// <param name="Type">Their type.</param>
/// <param name="Generator">Source of random numbers.</param>
internal sealed record ActivationSetup(double[] Values, long[] Shape, int ChannelDim, bool? Trainable, Device? Device, ScalarType? Type,
    Generator? Generator);
