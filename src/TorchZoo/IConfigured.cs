namespace TorchZoo;

/// <summary>A module that knows the configuration it was made from, so that a checkpoint can say how to make it again.</summary>
public interface IConfigured
{
    /// <summary>The configuration: the record that its constructor took.</summary>
    object Config { get; }
}
