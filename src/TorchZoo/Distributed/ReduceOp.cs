namespace TorchZoo.Distributed;

/// <summary>How values of several processes become one.</summary>
public enum ReduceOp
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their product.</summary>
    Product,

    /// <summary>The least.</summary>
    Min,

    /// <summary>The greatest.</summary>
    Max,
}
