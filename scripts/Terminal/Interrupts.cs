using System.Runtime.InteropServices;

namespace TorchZoo.Scripts.Terminal;

/// <summary>
/// Ctrl+C and SIGTERM while work is going on: the first asks for an orderly end through <see cref="Token"/>, a second Ctrl+C ends the
/// process at once.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action<bool> _notice;
    private int _count;

    /// <param name="notice">Called at each signal; its argument says whether the process ends at once.</param>
    public Interrupts(Action<bool> notice)
    {
        _notice = notice;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        var first = Interlocked.Increment(ref _count) == 1;
        // What is not cancelled here takes its default course: it ends the process.
        context.Cancel = first || context.Signal != PosixSignal.SIGINT;
        if (first || !context.Cancel) _notice(!context.Cancel);
        if (first) _source.Cancel();
    }
}
