using static TorchSharp.torch;

namespace TorchZoo;

/// <summary>An activation of x + bias + residual.</summary>
/// <param name="x">(batch, channels, …)</param>
/// <param name="bias">(channels); null: none.</param>
/// <param name="residual">Of x's shape; null: none.</param>
/// <returns>A new tensor of x's shape.</returns>
public delegate Tensor SumActivation(Tensor x, Tensor? bias = null, Tensor? residual = null);
