namespace TorchZoo.Models.Spiking;

/// <summary>How images become the frames of time steps.</summary>
public enum SpikingCoding
{
    /// <summary>The image itself, its real numbers, in every step: the first layer makes spikes of it.</summary>
    Direct,

    /// <summary>In each step a spike with the pixel's value, in [0, 1], for its probability.</summary>
    Rate,
}
