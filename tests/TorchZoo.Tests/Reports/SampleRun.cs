using System.Text.Json;
using TorchSharp;
using TorchZoo.Reports;

namespace TorchZoo.Tests.Reports;

/// <summary>Folders as runs leave them, without a run.</summary>
internal static class SampleRun
{
    /// <summary>A run with everything: two trainings, a claim, tables, pictures.</summary>
    public static string Write(string folder, double error = 0.0137, int width = 32, RunOutcome? outcome = RunOutcome.Finished, string? failure = null)
    {
        var journal = Journal(folder);
        Training(folder, "fno", steps: 400, width, seed: 1);
        Training(Path.Combine(folder, "baseline"), "periodic-cnn", steps: 200, width: 64, seed: 2);
        journal.Warn("oneDNN computes wrong convolution gradients on this CPU; it is switched off.");
        journal.Note("training functions", 500);
        journal.Note("samples / s", 12345.678);
        journal.Table("burgers: relative L2 error on test functions", ["resolution", "FNO", "CNN"], [["256 (training)", error, 0.42], [1024, error, double.NaN]]);
        var picture = Path.Combine(folder, "functions.png");
        new LinePlot { Title = "functions", Series = [new("truth", [0, 1, 0]), new("FNO", [0, 0.9, 0.1])] }.Save(picture);
        journal.File(picture, "truth and prediction");
        var field = Path.Combine(folder, "fields.png");
        using (torch.NewDisposeScope())
            new FieldPicture { Rows = [[new("error", torch.linspace(-1, 1, 64 * 64).reshape(64, 64)) { Colors = ColorScale.Diverging }]] }.Save(field);
        journal.File(field, "error of the prediction");
        File.WriteAllText(Path.Combine(folder, "contour.csv"), "x,y\n");
        journal.File(Path.Combine(folder, "contour.csv"), "the zero level");
        if (outcome == RunOutcome.Finished)
            journal.Claim(new RunClaim("burgers relative L2 at 256", error, 0.025, 0.42, error <= 0.025 ? "PASS" : "FAIL",
                [new($"error at 256 at most 0.025 ({error})", error <= 0.025), new("CNN at least 5 times worse", true)]));
        if (outcome is { } end) journal.End(end, failure);
        return folder;
    }

    /// <summary>A journal with what a run knows of itself at its beginning.</summary>
    public static RunJournal Journal(string folder)
    {
        Directory.CreateDirectory(folder);
        return new RunJournal(folder)
        {
            Title = "Fourier Neural Operator for Parametric Partial Differential Equations",
            Source = "arXiv 2010.08895, 2020",
            Link = "https://arxiv.org/abs/2010.08895",
            Command = "dotnet run --project scripts -- fno",
            Device = "cpu, 2 threads",
            Seed = 7,
        };
    }

    /// <summary>What a training writes.</summary>
    public static void Training(string folder, string model, int steps, int width, ulong seed, double spike = 0)
    {
        Directory.CreateDirectory(folder);
        Record(model, width, seed).Write(folder);
        using var log = new MetricsLog(Path.Combine(folder, RunLog.MetricsFile));
        for (var step = 0; step < steps; step++)
        {
            var loss = Math.Exp(-step / 60.0) * (1 + (0.2 * Math.Sin(step))) + 0.01;
            if (step % 10 == 0)
                log.Write(step, step / 20, KeyValuePair.Create("loss", step == 30 && spike > 0 ? spike : loss), KeyValuePair.Create("learning_rate", 1e-3 * (1 - ((double)step / steps))),
                    KeyValuePair.Create("samples_per_second", 400.0 + (step % 7)), KeyValuePair.Create("memory_bytes", 3e8 + (step * 1e5)));
            if (step % 20 == 19)
                log.Write(step, step / 20, KeyValuePair.Create("training/loss", loss), KeyValuePair.Create("validation/loss", loss * 1.1),
                    KeyValuePair.Create("epoch_seconds", 0.5));
        }
    }

    /// <summary>The record of a training.</summary>
    public static RunRecord Record(string model, int width, ulong seed) => new()
    {
        Started = DateTimeOffset.Now,
        Ended = DateTimeOffset.Now,
        Outcome = RunOutcome.Finished,
        Name = "Training",
        CommandLine = ["/somewhere/Program.dll", "--width", "a b"],
        Versions = new Dictionary<string, string> { ["torchzoo"] = "1.0", ["libtorch"] = "2.10" },
        System = "Debian",
        Threads = 2,
        Device = "cpu",
        Seed = seed,
        Options = new Dictionary<string, object?> { ["epochs"] = 20, ["monitor"] = "loss", ["monitor_maximum"] = false, ["batch_size"] = 25 },
        Model = model,
        Parameters = 82721,
        Config = JsonSerializer.SerializeToElement(new { width, modes = new[] { 16, 16 }, norm = (string?)null }),
        Notes = new Dictionary<string, string> { ["equation"] = "burgers" },
    };
}
