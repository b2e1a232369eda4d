namespace TorchZoo.Data;

/// <summary>Which entries share one mean and one standard deviation in a <see cref="UnitGaussianNormalizer"/>.</summary>
public enum NormalizerAxes
{
    /// <summary>All. The grid plays no part: data of any resolution can be encoded.</summary>
    Scalar,

    /// <summary>Those of a channel (axis 1). Data of any resolution can be encoded.</summary>
    PerChannel,

    /// <summary>Those at the same channel and grid point of all samples. It ties the data to one grid.</summary>
    PointWise,
}
