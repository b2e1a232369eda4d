using TorchZoo.Data.Sources;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The data sets that were published with the paper, in a folder of Google Drive whose links don't last.</summary>
internal static class FnoDatasets
{
    private static readonly Uri Home = new("https://github.com/neuraloperator/neuraloperator");

    [KnownDataset]
    public static KnownDataset Burgers { get; } = Make("fno-burgers", "Burgers' equation: a, u (2048, 8192)", "burgers", "burgers_data_R10.mat");

    [KnownDataset]
    public static KnownDataset Darcy { get; } = Make("fno-darcy", "Darcy flow: coeff, sol (1024, 421, 421)", "darcy",
        "piececonst_r421_N1024_smooth1.mat", "piececonst_r421_N1024_smooth2.mat");

    [KnownDataset]
    public static KnownDataset NavierStokes { get; } = Make("fno-navier-stokes", "Navier–Stokes, ν = 1e-3: u (5000, 64, 64, 50)", "navier-stokes",
        "NavierStokes_V1e-3_N5000_T50.mat");

    private static KnownDataset Make(string name, string title, string equation, params string[] files) => new()
    {
        Name = name,
        Title = title,
        Home = Home,
        Licence = "not stated",
        FileNames = files,
        Use = $"fno --equation {equation} --data {files[0]}",
    };
}
