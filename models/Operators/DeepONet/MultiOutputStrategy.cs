namespace TorchZoo.Models.Operators;

/// <summary>How a network with n outputs makes them from branch and trunk. Output k is always a dot product of p branch and p trunk
/// features, plus its own b_k.</summary>
public enum MultiOutputStrategy
{
    /// <summary>None chosen: one output needs none, several are <see cref="Independent"/>.</summary>
    None,

    /// <summary>A branch net and a trunk net for each output; both end in p.</summary>
    Independent,

    /// <summary>The features of both nets are cut into n groups; both end in n·p.</summary>
    SplitBoth,

    /// <summary>The branch's features are cut into n groups, which share the trunk's; the branch ends in n·p, the trunk in p.</summary>
    SplitBranch,

    /// <summary>The trunk's features are cut into n groups, which share the branch's; the branch ends in p, the trunk in n·p.</summary>
    SplitTrunk,
}
