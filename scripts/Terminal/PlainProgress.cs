namespace TorchZoo.Scripts.Terminal;

/// <summary>Progress for pipes and log files: a line when work starts, one every few seconds, and one when it ends.</summary>
internal sealed class PlainProgress(TextWriter output, TimeProvider time) : IProgressDisplay
{
    /// <summary>The least time between two lines about the same work.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    public IProgressLine Start(string description) => new Line(this, description);

    private void Write(string text)
    {
        lock (output) output.WriteLine(text);
    }

    private sealed class Line : IProgressLine
    {
        private readonly PlainProgress _display;
        private readonly string _description;
        private readonly long _start;
        private readonly Lock _gate = new();
        private long _written;
        private string? _detail;
        private bool _ended;

        public Line(PlainProgress display, string description)
        {
            (_display, _description) = (display, description);
            _start = _written = display._time.GetTimestamp();
            display.Write($"{description} ...");
        }

        public void Report(double fraction, string? detail)
        {
            lock (_gate)
            {
                _detail = detail ?? _detail;
                if (_ended || _display._time.GetElapsedTime(_written) < Interval) return;
                _written = _display._time.GetTimestamp();
                _display.Write($"{_description}: {100 * Math.Clamp(fraction, 0, 1):0} %{Remaining(fraction)}{Suffix()}");
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                if (_ended) return;
                _ended = true;
                _display.Write($"{_description}: {Values.Format(_display._time.GetElapsedTime(_start))}{Suffix()}");
            }
        }

        private string Remaining(double fraction) => fraction is <= 0 or >= 1 ? ""
            : $", {Values.Format(_display._time.GetElapsedTime(_start) * ((1 - fraction) / fraction))} left";

        private string Suffix() => string.IsNullOrEmpty(_detail) ? "" : $", {_detail}";
    }

    private readonly TimeProvider _time = time;
}
