namespace TorchZoo.Models.Neurons;

/// <summary>The kernel by which a layer's inputs and weights meet.</summary>
public enum SnnkKind
{
    /// <summary>The arc-cosine kernel of degree 1, by max(G x, c): for training afresh in place of a layer with ReLU.</summary>
    Relu,

    /// <summary>The Gaussian kernel, by cos G x and sin G x.</summary>
    Trig,

    /// <summary>cos(w·x + b), by universal random features.</summary>
    Cosine,

    /// <summary>sin(w·x + b), by universal random features.</summary>
    Sine,
}
