namespace TorchZoo.Models.Neurons;

/// <summary>How the energy of a pair falls with its distance d.</summary>
public enum EnergyPower
{
    /// <summary>s = 0: −log d.</summary>
    Log = 0,

    /// <summary>s = 1: 1/d.</summary>
    Inverse = 1,

    /// <summary>s = 2: 1/d².</summary>
    InverseSquare = 2,
}
