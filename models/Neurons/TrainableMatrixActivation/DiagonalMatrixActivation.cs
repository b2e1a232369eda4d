namespace TorchZoo.Models.Neurons;

/// <summary>The matrix activation without neighbours: z_i = α_i(y_i) y_i, a trainable piecewise linear function of each neuron that may
/// jump at its break points.</summary>
/// <inheritdoc
/// cref="TrainableMatrixActivation(long, IReadOnlyList{double}, int, MatrixActivationInit, MatrixActivationSharing, int, bool)"/>
public sealed class DiagonalMatrixActivation(long features, IReadOnlyList<double>? breaks = null,
    MatrixActivationInit init = MatrixActivationInit.ReluLike, MatrixActivationSharing sharing = MatrixActivationSharing.PerNeuron,
    int featureDim = -1) : TrainableMatrixActivation(features, breaks, 0, init, sharing, featureDim);
