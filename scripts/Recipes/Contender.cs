using TorchZoo.Reports;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What a network of a <see cref="Contest"/> reached.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Parameters">Numbers that are trained.</param>
/// <param name="Results">Its trainings, by seed; null: it diverged.</param>
/// <param name="Values">The measure that counts, by seed: the last epoch's, for the best one on the test set would be chosen by it.</param>
internal sealed record Contender(string Name, long Parameters, IReadOnlyList<TrainingResult?> Results, IReadOnlyList<double> Values)
{
    public double Mean => Values.Average();

    /// <summary>A measure by epoch, the mean over the seeds that didn't diverge.</summary>
    public Series Curve(Func<EpochReport, double> measure)
    {
        double[][] curves = [.. Results.OfType<TrainingResult>().Select(r => r.History.Select(measure).ToArray())];
        var epochs = curves.Length == 0 ? 0 : curves.Min(c => c.Length);
        return new(Name, [.. Enumerable.Range(1, epochs).Select(e => (double)e)],
            [.. Enumerable.Range(0, epochs).Select(e => curves.Average(c => c[e]))]);
    }
}
