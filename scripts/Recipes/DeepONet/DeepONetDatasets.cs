using TorchZoo.Data.Sources;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The data sets of DeepXDE's examples, in a folder of its authors whose links don't last.</summary>
internal static class DeepONetDatasets
{
    private static readonly Uri Home = new("https://deepxde.readthedocs.io/en/latest/demos/operator.html");

    [KnownDataset]
    public static KnownDataset Unaligned { get; } =
        Make("deeponet-unaligned", "Antiderivative, scattered: X_train0, X_train1, y_train", "antiderivative_unaligned");

    [KnownDataset]
    public static KnownDataset Aligned { get; } =
        Make("deeponet-aligned", "Antiderivative on a grid: X0, X1, y (published as a pickle)", "antiderivative_aligned");

    private static KnownDataset Make(string name, string title, string stem) => new()
    {
        Name = name,
        Title = title,
        Home = Home,
        Licence = "not stated",
        FileNames = [$"{stem}_train.npz", $"{stem}_test.npz"],
        Use = $"deeponet --data {stem}_train.npz",
    };
}
