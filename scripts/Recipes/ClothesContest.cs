using TorchZoo.Data.Images;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What recipes add at full size to show a layer at work on pictures: small convolutional networks that differ in it, on all of
/// Fashion-MNIST.</summary>
internal static class ClothesContest
{
    /// <summary>Trains the networks for 20 epochs from two seeds and shows their test accuracy.</summary>
    /// <param name="context">The run.</param>
    /// <param name="what">In what they differ.</param>
    /// <param name="networks">Their names, and what makes them, of (batch, 1, 28, 28) to ten classes.</param>
    public static void Run(RecipeContext context, string what,
        params IReadOnlyList<(string Name, Func<nn.Module<Tensor, Tensor>> Make)> networks)
    {
        using var images = RecipeImages.FashionMnist(context, new ImageOptions { Mean = FashionMnist.Mean, Std = FashionMnist.Std });
        var contest = new Contest
        {
            Context = context,
            Train = images.Train,
            Test = images.Test,
            Epochs = context.Epochs ?? 20,
            BatchSize = 128,
            Seeds = 2,
            Optimizer = p => new FusedAdam(p, 1e-3),
            Schedule = Schedules.Cosine(),
        };
        contest.Show($"{images.Title}, test accuracy by {what}", networks.Select(n => contest.Run(n.Name, n.Make)));
    }
}
