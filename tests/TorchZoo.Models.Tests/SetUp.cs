using NUnit.Framework;

/// <summary>Loads libtorch once, with our explanation if that fails.</summary>
[SetUpFixture]
public sealed class SetUp
{
    [OneTimeSetUp]
    public void LoadTorch() => TorchZoo.TorchRuntime.EnsureLoaded();
}
