using System.Diagnostics;
using System.Globalization;
using TorchZoo.Distributed;
using TorchZoo.Models.Spiking;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The peak of a process's memory in a training step: measured in a process of its own, so that nothing before it counts.</summary>
internal static class SpikingMemoryProbe
{
    private const char Separator = ':';
    private const int ProbedSteps = 128;

    /// <summary>Peak over what was there before the first step, in MiB, by a child process; null where the system doesn't tell.</summary>
    /// <param name="rule">The rule's name.</param>
    /// <param name="timeSteps">T</param>
    /// <param name="batch">Images in a batch.</param>
    /// <param name="folder">Where the child may write.</param>
    public static double? Run(string rule, int timeSteps, int batch, string folder)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var file = Path.GetFullPath(Path.Combine(folder, $"probe-{ProcessGroup.World.Rank}.txt"));
        var child = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(child.FileName) == "dotnet") child.ArgumentList.Add(typeof(SpikingMemoryProbe).Assembly.Location);
        foreach (var argument in new[] { SlttRecipe.Name, "--smoke", "--probe", string.Join(Separator, rule, timeSteps, batch, file) })
            child.ArgumentList.Add(argument);
        // The child isn't one of the ranks, if there are any.
        foreach (var name in ProcessGroup.LaunchVariables) child.Environment.Remove(name);
        using var process = Process.Start(child)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (!File.Exists(file)) throw new InvalidOperationException($"the measuring process left no result: {errors.Result}");
        var peak = double.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
        File.Delete(file);
        return peak;
    }

    /// <summary>What the child does.</summary>
    public static Claim Measure(string what)
    {
        var parts = what.Split(Separator, 4);
        int timeSteps = int.Parse(parts[1], CultureInfo.InvariantCulture), batch = int.Parse(parts[2], CultureInfo.InvariantCulture);
        using var scope = NewDisposeScope();
        Seed.Set(0);
        using var network = new SpikingCnn(new SpikingCnnConfig { TimeSteps = timeSteps });
        var rule = SpikingRules.Create(parts[0], timeSteps);
        Tensor images = randn(batch, 1, 28, 28), labels = randint(0, 10, [batch], ScalarType.Int64);
        // What is loaded and compiled for a step is no part of its memory.
        rule.Gradients(network, images.narrow(0, 0, 1), labels.narrow(0, 0, 1));
        network.zero_grad();
        GC.Collect();
        var before = Peak();
        // As many time steps for every T: holes in the heap grow with their number for a while, whatever the rule.
        for (var i = 0; i < Math.Max(2, ProbedSteps / timeSteps); i++)
        {
            rule.Gradients(network, images, labels);
            network.zero_grad();
        }
        File.WriteAllText(parts[3], (Peak() - before).ToString(CultureInfo.InvariantCulture));
        return new Claim(SlttRecipe.Name, "memory", 0, 0, null, holds: true);
    }

    // VmHWM in MiB.
    private static double Peak()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
