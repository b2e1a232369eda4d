namespace TorchZoo.Models.Spiking;

/// <summary>Whether gradients go back in time, through the membrane potential.</summary>
public enum TemporalGradient
{
    /// <summary>They don't: only from layer to layer within a time step (SLTT, section 4.2). A step's graph ends with the step.</summary>
    Detached,

    /// <summary>They do: backpropagation through time. The graphs of all steps are kept until the backward pass.</summary>
    Full,
}
