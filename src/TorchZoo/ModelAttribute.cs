namespace TorchZoo;

/// <summary>
/// Names a module that <see cref="Zoo"/> can create and load. The module has one public constructor whose only required parameter is its
/// configuration, an immutable record.
/// </summary>
/// <param name="name">The name in checkpoints: the paper's slug for its principal module, <c>slug-variant</c> for others.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ModelAttribute(string name) : Attribute
{
    /// <summary>The name in checkpoints.</summary>
    public string Name => name;
}
