using TorchZoo.Scripts.Terminal;

namespace TorchZoo.Scripts;

internal static class Program
{
    internal static int Main(string[] args)
    {
        var screen = Screen.OfProcess();
        return new Application(screen, RecipeCatalog.OfProgram()).Run(args);
    }
}
