namespace TorchZoo.Data.Sources;

/// <summary>Marks a static property that describes a published data set, so that it is found by being there (<see cref="KnownDataset.In"/>).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KnownDatasetAttribute : Attribute;
