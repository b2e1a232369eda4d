namespace TorchZoo.Checkpoints;

/// <summary>Python's kinds of dictionary that a checkpoint may hold.</summary>
public enum PyDictKind
{
    /// <summary><c>dict</c>.</summary>
    Dict,

    /// <summary><c>collections.OrderedDict</c>, what <c>state_dict()</c> returns.</summary>
    OrderedDict,

    /// <summary><c>collections.Counter</c>.</summary>
    Counter,
}
