using System.Collections.Concurrent;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace TorchZoo.Scripts.Terminal;

/// <summary>
/// Progress bars on a terminal. Spectre shows bars for as long as a callback runs; here they are shown for as long as a line is open, and
/// what is written to the same console in the meantime goes above them.
/// </summary>
internal sealed class LiveProgress(IAnsiConsole console) : IProgressDisplay, IDisposable
{
    private readonly ConcurrentDictionary<int, string> _details = new();
    private readonly Lock _gate = new();
    private Session? _session;

    public IProgressLine Start(string description)
    {
        lock (_gate)
        {
            _session ??= new Session(console, _details);
            _session.Open++;
            return new Line(this, _session.Context.AddTask(Markup.Escape(description)));
        }
    }

    /// <summary>Ends all lines and gives the cursor back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _session?.End();
            _session = null;
        }
    }

    private void Close(ProgressTask task)
    {
        lock (_gate)
        {
            task.StopTask();
            if (_session is null || --_session.Open > 0) return;
            _session.End();
            _session = null;
        }
    }

    private sealed class Session
    {
        private readonly TaskCompletionSource _end = new();
        private readonly Task _display;

        public Session(IAnsiConsole console, ConcurrentDictionary<int, string> details)
        {
            var started = new TaskCompletionSource<ProgressContext>();
            _display = Task.Run(() => console.Progress().AutoClear(false)
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                         new RemainingTimeColumn(), new DetailColumn(details))
                .StartAsync(context =>
                {
                    started.SetResult(context);
                    return _end.Task;
                }));
            Context = Task.WhenAny(started.Task, _display).Result == started.Task
                ? started.Task.Result
                : throw new InvalidOperationException("The progress display ended before it began.", _display.Exception);
        }

        public ProgressContext Context { get; }

        public int Open { get; set; }

        public void End()
        {
            _end.TrySetResult();
            _display.GetAwaiter().GetResult();
        }
    }

    private sealed class Line(LiveProgress display, ProgressTask task) : IProgressLine
    {
        private int _closed;

        public void Report(double fraction, string? detail)
        {
            task.Value = task.MaxValue * Math.Clamp(fraction, 0, 1);
            if (detail is not null) display._details[task.Id] = detail;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _closed, 1) == 0) display.Close(task);
        }
    }

    private sealed class DetailColumn(ConcurrentDictionary<int, string> details) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(details.GetValueOrDefault(task.Id, ""), new Style(Color.Grey)) { Overflow = Overflow.Ellipsis };
    }
}
