namespace TorchZoo.Kernels.Cuda;

/// <summary>Size of a grid of blocks, or of a block of threads.</summary>
/// <param name="X">Along x.</param>
/// <param name="Y">Along y.</param>
/// <param name="Z">Along z.</param>
public readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    /// <summary>Along x only.</summary>
    public static implicit operator Dim3(int x) => new(x);

    /// <summary>How many there are.</summary>
    public long Count => (long)X * Y * Z;

    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {Z})";
}
