namespace TorchZoo.Models.Neurons;

/// <summary>The hidden layers' widths.</summary>
public enum SnnShape
{
    /// <summary>All the same.</summary>
    Rectangular,

    /// <summary>From the given width down to the outputs, each by the same factor.</summary>
    Conic,
}
