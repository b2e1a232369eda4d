using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A function with a name.</summary>
/// <param name="Name">How it is called, and how it is written of x.</param>
/// <param name="Complexity">How complicated it is: 0 to 4.</param>
/// <param name="Apply">Its values; NaN or infinite where it isn't defined.</param>
/// <param name="Format">How it is written of an argument.</param>
public sealed record SymbolicFunction(string Name, int Complexity, Func<Tensor, Tensor> Apply, Func<string, string> Format)
{
    /// <summary>n of xⁿ for a whole n; else 0.</summary>
    public int Power { get; init; }
}
