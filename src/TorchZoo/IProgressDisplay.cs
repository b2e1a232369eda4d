namespace TorchZoo;

/// <summary>Where long work shows how far it is. The library computes; whoever calls it decides what to show (the scripts: progress bars).</summary>
public interface IProgressDisplay
{
    /// <summary>Starts a line of progress, e.g. "Burgers data" or "Training".</summary>
    IProgressLine Start(string description);

    /// <summary>Shows nothing.</summary>
    static IProgressDisplay None { get; } = new Silent();

    private sealed class Silent : IProgressDisplay, IProgressLine
    {
        IProgressLine IProgressDisplay.Start(string description) => this;

        void IProgressLine.Report(double fraction, string? detail) { }

        void IDisposable.Dispose() { }
    }
}

/// <summary>One line of progress; disposing of it ends the line.</summary>
public interface IProgressLine : IDisposable
{
    /// <summary>Says how far the work is.</summary>
    /// <param name="fraction">Share done, 0 to 1.</param>
    /// <param name="detail">What is worth seeing now, e.g. <c>loss 0.031</c>.</param>
    void Report(double fraction, string? detail = null);
}
