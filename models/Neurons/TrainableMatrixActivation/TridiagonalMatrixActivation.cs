namespace TorchZoo.Models.Neurons;

/// <summary>The matrix activation with the nearest neighbours: z_i = α_i(y_i) y_i + β_{i+1}(y_{i+1}) y_{i+1} + γ_{i−1}(y_{i−1})
/// y_{i−1}.</summary>
/// <inheritdoc
/// cref="TrainableMatrixActivation(long, IReadOnlyList{double}, int, MatrixActivationInit, MatrixActivationSharing, int, bool)"/>
public sealed class TridiagonalMatrixActivation(long features, IReadOnlyList<double>? breaks = null,
    MatrixActivationInit init = MatrixActivationInit.ReluLike, MatrixActivationSharing sharing = MatrixActivationSharing.PerNeuron,
    int featureDim = -1) : TrainableMatrixActivation(features, breaks, 1, init, sharing, featureDim);
