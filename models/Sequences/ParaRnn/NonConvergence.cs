namespace TorchZoo.Models.Sequences;

/// <summary>What is done about series that Newton's method hasn't solved.</summary>
public enum NonConvergence
{
    /// <summary>They are computed step by step.</summary>
    Fallback,

    /// <summary>A <see cref="Numerics.NotConvergedException"/> is thrown.</summary>
    Throw,

    /// <summary>Nothing: a fixed number of iterations without a test, as the reference does. States may be wrong.</summary>
    Ignore,
}
