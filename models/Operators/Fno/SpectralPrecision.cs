namespace TorchZoo.Models.Operators;

/// <summary>Precision of a spectral convolution.</summary>
public enum SpectralPrecision
{
    /// <summary>That of the data.</summary>
    Full,

    /// <summary>Data, spectrum and product are rounded to float16; transforms and sums are computed in the data's precision.</summary>
    Half,

    /// <summary>Spectrum and product are rounded to float16; the forward transform sees the data as they are.</summary>
    Mixed,
}
