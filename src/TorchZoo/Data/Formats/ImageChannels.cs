namespace TorchZoo.Data.Formats;

/// <summary>What channels an image is read with.</summary>
public enum ImageChannels
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Brightness alone.</summary>
    Grey,
}
