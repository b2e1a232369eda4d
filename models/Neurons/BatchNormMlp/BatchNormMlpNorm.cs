namespace TorchZoo.Models.Neurons;

/// <summary>How a layer's numbers are normalised.</summary>
public enum BatchNormMlpNorm
{
    /// <summary>Each feature over the batch's examples, in evaluation too; no parameters (<see cref="RowNormalization"/>).</summary>
    Batch,

    /// <summary>Each example over its features; no parameters.</summary>
    Layer,

    /// <summary>The framework's batch normalisation: a scale and a shift that are trained, running averages in evaluation.</summary>
    Trained,

    /// <summary>Not at all.</summary>
    None,
}
