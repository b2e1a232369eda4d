using NUnit.Framework;
using TorchZoo.Scripts.Terminal;

namespace TorchZoo.Tests.CommandLine;

public class ProgressTests
{
    [Test]
    public void PlainProgressIsSparse()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var time = new Clock();
        using (var line = new PlainProgress(output, time).Start("Training"))
        {
            for (var second = 1; second <= 25; second++)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                line.Report(second / 25.0, $"loss {second}");
            }
        }
        Assert.That(output.ToString(),
            Is.EqualTo("Training ...\nTraining: 40 %, 15.0 s left, loss 10\nTraining: 80 %, 5.0 s left, loss 20\nTraining: 25.0 s, loss 25\n"));
    }

    [Test]
    public void AClosedLineIsSilent()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var time = new Clock();
        var line = new PlainProgress(output, time).Start("Training");
        line.Dispose();
        var before = output.ToString();
        time.Advance(TimeSpan.FromMinutes(1));
        line.Report(1);
        line.Dispose();
        Assert.That(output.ToString(), Is.EqualTo(before));
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
