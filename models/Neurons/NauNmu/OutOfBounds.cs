namespace TorchZoo.Models.Neurons;

/// <summary>What keeps an arithmetic layer's weights within their bounds.</summary>
public enum OutOfBounds
{
    /// <summary>They are put back after each update (<see cref="BoundedLayer.ClampParameters"/>).</summary>
    Clip,

    /// <summary>A term of the loss draws them back (<see cref="BoundedLayer.OutOfBoundsLoss"/>); forward passes take the nearest within the
    /// bounds.</summary>
    Penalty,
}
