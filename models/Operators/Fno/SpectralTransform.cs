namespace TorchZoo.Models.Operators;

/// <summary>How a spectral convolution gets from the grid to the kept modes and back. All ways give the same result.</summary>
public enum SpectralTransform
{
    /// <summary>What <see cref="SpectralConv"/> estimates to be faster for the size at hand.</summary>
    Auto,

    /// <summary>Fast Fourier transforms, axis by axis, dropping modes as soon as their axis is transformed.</summary>
    Fft,

    /// <summary>Matrix products with the rows of the Fourier matrix that belong to the kept modes.</summary>
    Dft,
}
