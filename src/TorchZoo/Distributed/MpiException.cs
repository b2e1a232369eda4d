namespace TorchZoo.Distributed;

/// <summary>An MPI function failed; the message is MPI's own.</summary>
public sealed class MpiException : Exception
{
    internal MpiException(string function, int code, string message) : base($"{function}: {message}") => Code = code;

    /// <summary>MPI's error code.</summary>
    public int Code { get; }
}
