namespace TorchZoo.Distributed;

/// <summary>A collective operation that goes on while the caller does something else. Its tensor must be left alone until
/// <see cref="Wait"/> has returned.</summary>
public abstract class PendingOperation
{
    /// <summary>One that is done.</summary>
    internal static PendingOperation Done { get; } = new Nothing();

    /// <summary>Whether <see cref="Wait"/> would return at once.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Waits for its end. May be called more than once.</summary>
    /// <exception cref="MpiException">The operation failed.</exception>
    public abstract void Wait();

    private sealed class Nothing : PendingOperation
    {
        public override bool IsDone => true;

        public override void Wait() { }
    }
}
