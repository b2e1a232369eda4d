namespace TorchZoo.Models.Neurons;

/// <summary>Which polynomial network.</summary>
public enum PolynomialForm
{
    /// <summary><see cref="CcpNet"/>.</summary>
    Ccp,

    /// <summary><see cref="NcpNet"/>.</summary>
    Ncp,

    /// <summary><see cref="NcpSkipNet"/>.</summary>
    NcpSkip,
}
