namespace TorchZoo.Data.Sources;

/// <summary>A data set is in none of the places where it could be; the message names them, what was wrong with each, and what to
/// do.</summary>
public sealed class DatasetNotFoundException : FileNotFoundException
{
    internal DatasetNotFoundException(string message, Exception? inner) : base(message, inner) { }
}
