namespace TorchZoo.Scripts;

/// <summary>How much a recipe does.</summary>
public enum RunSize
{
    /// <summary>Seconds: every part runs, the numbers mean nothing.</summary>
    Smoke,

    /// <summary>The claim on two cores, at most three minutes.</summary>
    Default,

    /// <summary>The paper's setting, for a GPU.</summary>
    Full,
}
