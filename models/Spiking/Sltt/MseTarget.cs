namespace TorchZoo.Models.Spiking;

/// <summary>What the squared error of a <see cref="SpikingLoss"/> draws outputs to.</summary>
public enum MseTarget
{
    /// <summary>A constant in all classes, which keeps outputs from growing.</summary>
    Constant,

    /// <summary>1 in the example's class, 0 in the others.</summary>
    OneHot,
}
